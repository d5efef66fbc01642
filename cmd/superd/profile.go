package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"syscall"
)

// profile writes cpu.pprof from now until end is called, and heap.pprof at each SIGUSR2, which reloads as well, into a folder that exists. Without
// a folder it does nothing. Read them with `go tool pprof`.
func profile(folder string) (end func() error, err error) {
	if folder == "" {
		return func() error { return nil }, nil
	}
	cpu, err := os.Create(filepath.Join(folder, "cpu.pprof"))
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		_ = cpu.Close()
		return nil, fmt.Errorf("profile: %w", err)
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR2)
	go func() {
		for range asked {
			if err := writeHeap(filepath.Join(folder, "heap.pprof")); err != nil {
				log.Print(err)
			}
		}
	}()
	return func() error {
		signal.Stop(asked)
		pprof.StopCPUProfile()
		return cpu.Close()
	}, nil
}

func writeHeap(path string) error {
	heap, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	runtime.GC() // so that the profile has what is live now
	return errors.Join(pprof.WriteHeapProfile(heap), heap.Close())
}
