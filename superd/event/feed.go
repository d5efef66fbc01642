package event

import (
	"context"
	"os"
	"sync"
	"time"

	"superd/superd/config"
)

// feedSize is how many events a Feed remembers: what a reader that follows may be behind.
const feedSize = 1024

// Feed has the last events, whatever the flags of logs, for those who want to look at them. The zero value is ready. Its methods may
// be called concurrently; Add waits for no reader, however slow: who is too far behind has missed something.
type Feed struct {
	mu      sync.Mutex
	ring    []entry       // grows to feedSize, and is then written round and round
	next    uint64        // number of the next event
	changed chan struct{} // closed at the next Add; nil while nobody waits
}

// entry is an event as it came, and not put into words yet: most are never read.
type entry struct {
	at     time.Time
	kind   kind
	exit   Exit   // of a START, which has less, or an EXIT
	refuse Refuse // of a REFUSE
	other  *Event // of any other
}

// Add remembers an event. The zero Event is ignored.
func (f *Feed) Add(e Event) {
	if e.kind != kindNone {
		f.add(entry{kind: e.kind, other: &e})
	}
}

// Start is Add for a connection's beginning, whole, whatever a log has of it.
func (f *Feed) Start(c Start) { f.add(entry{kind: kindStart, exit: Exit{Start: c}}) }

// Exit is Add for a connection's end.
func (f *Feed) Exit(c Exit) { f.add(entry{kind: kindExit, exit: c}) }

// Refuse is Add for a connection that was refused.
func (f *Feed) Refuse(c Refuse) { f.add(entry{kind: kindRefuse, refuse: c}) }

func (f *Feed) add(e entry) {
	e.at = time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.ring) < feedSize {
		f.ring = append(f.ring, e)
	} else {
		f.ring[f.next%feedSize] = e
	}
	f.next++
	if f.changed != nil {
		close(f.changed)
		f.changed = nil
	}
}

// everything are all flags of log_on_success and log_on_failure.
const everything = ^config.LogFlags(0)

func (e *entry) reading() Reading {
	switch e.kind {
	case kindStart:
		return Reading{e.at, e.exit.Start.event(everything)}
	case kindExit:
		return Reading{e.at, e.exit.event(everything)}
	case kindRefuse:
		return Reading{e.at, e.refuse.event(everything)}
	}
	return Reading{e.at, *e.other}
}

// Reading is one entry of a Feed, for its reader.
type Reading struct {
	At    time.Time
	Event Event
}

// Read calls each with the events from the oldest that is remembered on. With follow it then waits for more until ctx ends, and
// instead of what it was too slow for there is a LOST. It returns each's error, or ctx's.
func (f *Feed) Read(ctx context.Context, follow bool, each func(Reading) error) error {
	next := uint64(0)
	batch := make([]entry, 0, 64)
	for first := true; ; first = false {
		var missed uint64
		var changed <-chan struct{}
		batch, missed, changed = f.take(batch[:0], &next)
		if missed > 0 && !first {
			if err := each(Reading{time.Now(), lostEvent(int(missed))}); err != nil {
				return err
			}
		}
		for i := range batch {
			if err := each(batch[i].reading()); err != nil {
				return err
			}
		}
		if len(batch) > 0 {
			continue
		}
		if !follow {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Last are the events that are remembered, the oldest first.
func (f *Feed) Last() []Reading {
	var all []Reading
	_ = f.Read(context.Background(), false, func(r Reading) error { all = append(all, r); return nil }) // nothing there fails
	return all
}

// Latest is for each service the last event about it, and not about its connections, that is remembered.
func (f *Feed) Latest() map[string]Reading {
	latest := map[string]Reading{}
	for _, r := range f.Last() {
		if id := r.Event.Service(); id != "" && r.Event.kind > kindUserID {
			latest[id] = r
		}
	}
	return latest
}

// take copies what there is from *next on, as far as the batch has room, and says how many were forgotten before that. With nothing
// to copy, changed tells of more.
func (f *Feed) take(batch []entry, next *uint64) (_ []entry, missed uint64, changed <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if oldest := f.next - uint64(len(f.ring)); *next < oldest {
		missed = oldest - *next
		*next = oldest
	}
	for ; *next < f.next && len(batch) < cap(batch); *next++ {
		batch = append(batch, f.ring[*next%feedSize])
	}
	if len(batch) == 0 && f.changed == nil {
		f.changed = make(chan struct{})
	}
	return batch, missed, f.changed
}

// Line is the event as a log has it, with its newline: one line of text and perhaps some that follow it, or one of JSON.
func (r *Reading) Line(json bool) []byte {
	f := format{pid: os.Getpid(), head: headStamp}
	if json {
		f.head, f.layout = headNone, layoutJSON
	}
	return f.append(nil, &r.Event, r.At)
}

// Bare is the reading without the lines that follow the event: they quote files, in which there may be secrets.
func (r Reading) Bare() Reading {
	r.Event.text = ""
	return r
}

// Name is the event's word: "REFUSE".
func (e *Event) Name() string { return kinds[e.kind].name }

// Service is the id of the service that it is about; "" if about none.
func (e *Event) Service() string { return e.word(keyService) }

// Verdict is why somebody was refused; "" if nobody was.
func (e *Event) Verdict() string { return e.word(keyVerdict) }

// Summary is the event's values as text, without the service.
func (e *Event) Summary() string {
	rest := *e
	rest.count = 0
	for _, f := range e.fields[:e.count] {
		if f.key != keyService {
			rest.add(f)
		}
	}
	text := string(appendText(nil, &rest))
	return text[min(len(text), len(rest.Name())+1):]
}
