package services

import (
	"io"
	"syscall"
)

// pipe is a vessel in the kernel: splice(2) moves pages between sockets through it, so that no byte is copied into the daemon.
type pipe struct {
	read, write int
	full        int // bytes in it
}

// From linux/splice.h and fcntl.h: package syscall has splice(2) without its flags.
const (
	spliceMove     = 1
	spliceNonblock = 2
	pipeSize       = 64 << 10
)

// spare pipes wait for their next use. A pipe costs two system calls to make and two descriptors to keep.
var spare = make(chan *pipe, 16)

// borrow returns an empty vessel: a pipe, or memory where the daemon has no descriptors left for one.
func borrow() vessel {
	select {
	case p := <-spare:
		return p
	default:
	}
	var fds [2]int
	if syscall.Pipe2(fds[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK) != nil {
		return newBox()
	}
	return &pipe{read: fds[0], write: fds[1]}
}

func (p *pipe) fill(fd int) (int, error) {
	n, err := splice(fd, p.write, pipeSize)
	p.full = n
	return n, err
}

func (p *pipe) pour(fd int) error {
	for p.full > 0 {
		n, err := splice(p.read, fd, p.full)
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrUnexpectedEOF
		}
		p.full -= n
	}
	return nil
}

func (p *pipe) release(broken bool) {
	if !broken {
		select {
		case spare <- p:
			return
		default:
		}
	}
	_ = syscall.Close(p.read)
	_ = syscall.Close(p.write)
}

func splice(from, to, most int) (int, error) {
	for {
		n, err := syscall.Splice(from, nil, to, nil, most, spliceMove|spliceNonblock)
		if err != syscall.EINTR {
			return int(max(n, 0)), err
		}
	}
}
