package config

// Loader loads a configuration again and again, as a daemon does that reloads. It gives what Load gives, and decodes only the
// services whose text, defaults or answers of the machine (users, groups, ports, files …) are others than in its last load that
// had no errors: of ten thousand services with one changed it decodes one.
//
// The zero value is ready. It belongs to one goroutine.
type Loader struct{ memory *memory }

// Load is the function Load. A Service that is as it was in the last load without errors is the same pointer as then.
func (l *Loader) Load(path string, o Options) (*Config, *Diagnostics) {
	c, now := load(path, o, l.memory.under(o))
	if now.misled() {
		c, now = load(path, o, nil)
	}
	if c != nil {
		l.memory = now.remember()
	}
	return c, now.diags
}

// memory is what a load leaves for the next one: its services by their text, and all else that they were made of.
// A nil memory knows nothing.
type memory struct {
	opt      Options
	machine  machine
	defaults passage
	services map[passage]*known
}

// passage is a piece of text in a file, wherever in the file it stands.
type passage struct{ file, text string }

// known is a service that was decoded without any complaint.
type known struct {
	passage
	service *Service // with its ID and Name alone if it is disabled
	disable bool
	line    int // of its block in the passage, whose first line is 0
}

// forgetful bounds how many answers of the machine are kept for each service; those that only services had asked for that
// are gone would be kept for ever.
const forgetful = 16

// under is the memory if it is true for a load with these options on the machine as it is now, else nil.
func (m *memory) under(o Options) *memory {
	if m == nil || m.opt != o || len(m.machine.answers) > forgetful*(len(m.services)+1) {
		return nil
	}
	now := machine{portable: o.Portable}
	if !now.agrees(&m.machine) {
		return nil
	}
	return &memory{m.opt, now, m.defaults, m.services}
}

func (m *memory) recall(f *source, text []byte) *known {
	if m == nil {
		return nil
	}
	return m.services[passage{f.name, string(text)}]
}

// misled reports that the load made use of a memory and should not have: the defaults are others than those it was made
// under, or something is wrong between services and the places to show are not known.
func (l *loader) misled() bool {
	return l.memory != nil && (l.between || l.memory.defaults != l.defaults.passage())
}

// remember is called for a load without errors.
func (l *loader) remember() *memory {
	m := &memory{l.opt, machine{answers: l.machine.answers}, l.defaults.passage(), make(map[passage]*known, len(l.services))}
	for _, it := range l.services {
		if it.known != nil {
			m.services[it.known.passage] = it.known
		}
	}
	return m
}

// passage is the text that the block stands in; zero for no block.
func (it *item) passage() passage {
	if it == nil {
		return passage{}
	}
	return passage{it.src.name, string(it.part.text)}
}

// alone reports whether the block is all there is in its part of the file, but for comments.
func (it *item) alone() bool {
	return len(it.part.body.Blocks) == 1 && len(it.part.body.Attributes) == 0
}

// learn keeps a service for the next load, if nothing was said about it.
func (it *item) learn(s *spec, service *Service) {
	if it.known != nil || s.noted || !it.alone() {
		return
	}
	it.known = &known{it.passage(), service, s.disable, it.line - it.part.start.Line}
}

// again is the service as it was, on the line where it stands now.
func (it *item) again() *Service {
	was := it.known.service
	if at := it.position(); was.At != at {
		moved := *was
		moved.At = at
		it.known.service = &moved
	}
	return it.known.service
}
