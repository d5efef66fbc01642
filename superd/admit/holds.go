package admit

import "net/netip"

// maxHolds bounds the sources that one gate holds off. A flood from more sources than this pushes out
// the oldest hold; that source then meets the bucket again like everybody else.
const maxHolds = 4096

// holds are the sources held off, each with the instant at which its hold began. When it ends is up to
// the configuration in force, so all holds last equally long and the oldest is always the first to end:
// a queue in order of beginning is enough to forget them. The zero value is empty and takes no memory.
type holds struct {
	sources map[netip.Prefix]struct{}
	queue   []hold // queue[head:] are held, the oldest first
	head    int
}

type hold struct {
	source netip.Prefix
	since  instant
}

// has reports whether source is held by a hold that began after horizon; older ones are forgotten.
func (h *holds) has(source netip.Prefix, horizon instant) bool {
	for h.head < len(h.queue) && h.queue[h.head].since <= horizon {
		h.drop()
	}
	if len(h.sources) == 0 {
		*h = holds{} // gives back what a flood made it grow to
	}
	_, held := h.sources[source]
	return held
}

// add begins a hold of a source that is not held.
func (h *holds) add(source netip.Prefix, now instant) {
	if h.len() == maxHolds {
		h.drop()
	}
	if h.head > len(h.queue)/2 {
		// Half of the queue is past: moving the rest down keeps it short at a constant cost per hold.
		h.queue = h.queue[:copy(h.queue, h.queue[h.head:])]
		h.head = 0
	}
	if h.sources == nil {
		h.sources = make(map[netip.Prefix]struct{})
	}
	h.sources[source] = struct{}{}
	h.queue = append(h.queue, hold{source, now})
}

func (h *holds) drop() {
	delete(h.sources, h.queue[h.head].source)
	h.head++
}

func (h *holds) len() int { return len(h.sources) }
