package main

import (
	"context"
	"errors"
	"os"
	"sync"
)

// errInterrupted is why a context ended that a signal ended.
var errInterrupted = errors.New("interrupted")

// interrupts turn signals into ends. A command that can end in order says so
// with orderly; its first signal then asks for that, and only the next one
// ends the context. After that the system's own handling is back, so that a
// program that hangs can be killed by one signal more.
type interrupts struct {
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	first func()
}

// watch begins to listen. The context it returns ends by signals and by stop.
func (i *interrupts) watch(ctx context.Context, notify func(chan<- os.Signal) func()) (_ context.Context, stop func()) {
	ctx, i.cancel = context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 2)
	ignore := notify(signals)
	go func() {
		defer ignore()
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
				i.signal()
			}
		}
	}()
	return ctx, func() { i.cancel(nil) }
}

func (i *interrupts) signal() {
	i.mu.Lock()
	first := i.first
	i.first = nil
	i.mu.Unlock()
	if first == nil {
		i.cancel(errInterrupted)
		return
	}
	first()
}

// orderly sets what the next signal does instead of ending the context, until
// undo is called.
func (i *interrupts) orderly(first func()) (undo func()) {
	i.set(first)
	return func() { i.set(nil) }
}

func (i *interrupts) set(first func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.first = first
}
