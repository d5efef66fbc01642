package event

// batch is events formatted one after the other.
type batch struct {
	buf  []byte
	ends []int // where each event ends in buf
}

// Bounds of what waits for a sink's writer.
const (
	batchEvents = 4096
	batchBytes  = 1 << 20
	batchKept   = 64 << 10 // a buffer that once grew larger is given up
)

func (b *batch) len() int { return len(b.ends) }

func (b *batch) full() bool { return len(b.ends) >= batchEvents || len(b.buf) >= batchBytes }

func (b *batch) event(i int) []byte {
	from := 0
	if i > 0 {
		from = b.ends[i-1]
	}
	return b.buf[from:b.ends[i]]
}

// close ends the event whose bytes were appended to buf.
func (b *batch) close() { b.ends = append(b.ends, len(b.buf)) }

// within is how many events end in the first n bytes.
func (b *batch) within(n int) int {
	count := 0
	for count < len(b.ends) && b.ends[count] <= n {
		count++
	}
	return count
}

// fit is the length of the whole events that fit into n bytes.
func (b *batch) fit(n int64) int {
	count := b.within(int(max(0, n)))
	if count == 0 {
		return 0
	}
	return b.ends[count-1]
}

func (b *batch) reset() {
	if cap(b.buf) > batchKept {
		b.buf = nil
	}
	b.buf, b.ends = b.buf[:0], b.ends[:0]
}
