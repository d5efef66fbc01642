package superd

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"superd/superd/config"
	"superd/superd/event"
	"superd/superd/rpcbind"
)

// fakeRpcbind answers each call with what answer says, or, with -1, never. A real one cannot be made to be so unfriendly.
func fakeRpcbind(t *testing.T, answer func(procedure uint32) int) rpcbind.Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for {
					head := make([]byte, 4)
					if _, err := io.ReadFull(c, head); err != nil {
						return
					}
					call := make([]byte, binary.BigEndian.Uint32(head)&0x7fffffff)
					if _, err := io.ReadFull(c, call); err != nil {
						return
					}
					n := answer(binary.BigEndian.Uint32(call[20:]))
					if n < 0 {
						io.Copy(io.Discard, c)
						return
					}
					reply := append([]byte{0x80, 0, 0, 28}, call[:4]...)
					for _, v := range []int{1, 0, 0, 0, 0, n} {
						reply = binary.BigEndian.AppendUint32(reply, uint32(v))
					}
					c.Write(reply)
				}
			}()
		}
	}()
	return rpcbind.Client{Socket: path, Portmapper: netip.MustParseAddrPort("127.0.0.1:1")}
}

var sampleRegistration = registration{"rusersd", config.RPC{Program: 100002, Low: 2, High: 3}, "udp", netip.MustParseAddrPort("0.0.0.0:832")}

func newRegistrar(t *testing.T, c rpcbind.Client) (*registrar, *safeBuffer) {
	t.Helper()
	var log safeBuffer
	hub := event.NewHub(&log)
	sink, err := hub.Open(config.LogTarget{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hub.Close(time.Second) })
	return &registrar{client: c, say: sink.Write}, &log
}

// A mapping that rpcbind does not give up is said once, and not fought about.
func TestRegistrarDoesNotFight(t *testing.T) {
	const unset = 2
	var sets, unsets, friendly atomic.Int32
	r, log := newRegistrar(t, fakeRpcbind(t, func(procedure uint32) int {
		if procedure == unset {
			unsets.Add(1)
			return 1
		}
		sets.Add(1)
		return int(friendly.Load())
	}))
	r.want([]registration{sampleRegistration})
	has := func(text string) func() bool { return func() bool { return strings.Contains(log.String(), text) } }
	eventually(t, "the dispute is said", has(`REGISTER-FAILED service=rusersd endpoint="100002 versions 2-3 udp 0.0.0.0:832" error=`))
	if sets.Load() != 4 || unsets.Load() != 2 {
		t.Errorf("%d times set, %d times withdrawn", sets.Load(), unsets.Load())
	}
	r.want([]registration{sampleRegistration})
	eventually(t, "it is tried again", func() bool { return sets.Load() == 6 })
	if unsets.Load() != 2 {
		t.Error("what is somebody else's was withdrawn")
	}
	friendly.Store(1)
	r.want([]registration{sampleRegistration})
	eventually(t, "it is registered in the end", has(`REGISTERED service=rusersd`))
	if n := strings.Count(log.String(), "REGISTER-FAILED"); n != 1 {
		t.Errorf("said %d times", n)
	}
	r.withdraw()
	eventually(t, "it is withdrawn", has(`WITHDRAWN service=rusersd`))
}

// The end of the daemon waits for a rpcbind that never answers, but not for ever, and not until it gives up what it is just telling.
func TestRegistrarBoundsTheEnd(t *testing.T) {
	var silent atomic.Bool
	asked := make(chan struct{}, 100)
	r, log := newRegistrar(t, fakeRpcbind(t, func(uint32) int {
		if silent.Load() {
			asked <- struct{}{}
			return -1
		}
		return 1
	}))
	r.want([]registration{sampleRegistration})
	eventually(t, "it is registered", func() bool { return strings.Contains(log.String(), "REGISTERED") })
	silent.Store(true)
	r.want([]registration{sampleRegistration})
	<-asked
	done := make(chan struct{})
	go func() { r.withdraw(); close(done) }()
	select {
	case <-done:
	case <-time.After(withdrawTime + rpcbind.Patience/2):
		t.Fatal("it waits longer than its time")
	}
}
