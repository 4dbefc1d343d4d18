package main

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
)

// listen gives interrupts and the channel that signals come by.
func listen(ctx context.Context) (i *interrupts, _ context.Context, stop func(), signals chan<- os.Signal) {
	i = &interrupts{}
	ctx, stop = i.watch(ctx, func(c chan<- os.Signal) func() { signals = c; return func() {} })
	return i, ctx, stop, signals
}

func TestFirstSignalEndsWhatHasNothingToFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, ctx, stop, signals := listen(t.Context())
		defer stop()
		signals <- syscall.SIGTERM
		<-ctx.Done()
		if cause := context.Cause(ctx); !errors.Is(cause, errInterrupted) {
			t.Errorf("ended because %v", cause)
		}
	})
}

func TestSecondSignalEndsWhatFinishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, ctx, stop, signals := listen(t.Context())
		defer stop()
		asked := 0
		undo := i.orderly(func() { asked++ })
		defer undo()
		signals <- os.Interrupt
		synctest.Wait()
		if asked != 1 || ctx.Err() != nil {
			t.Fatalf("after one signal: asked %d times, context %v", asked, ctx.Err())
		}
		signals <- syscall.SIGTERM
		<-ctx.Done()
		if asked != 1 {
			t.Errorf("asked %d times", asked)
		}
	})
}

func TestSignalAfterTheOrderlyPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, ctx, stop, signals := listen(t.Context())
		defer stop()
		undo := i.orderly(func() { t.Error("asked after it was undone") })
		undo()
		signals <- os.Interrupt
		<-ctx.Done()
	})
}

func TestStopIsNoInterruption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, ctx, stop, _ := listen(t.Context())
		stop()
		<-ctx.Done()
		if cause := context.Cause(ctx); errors.Is(cause, errInterrupted) {
			t.Errorf("ended because %v", cause)
		}
		synctest.Wait()
	})
}
