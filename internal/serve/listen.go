package serve

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	headerTime = 5 * time.Second
	answerTime = time.Minute
	idleTime   = 2 * time.Minute
	maxHeader  = 64 << 10
	drainTime  = 10 * time.Second
)

// Listen answers requests at a listener until stop is closed or ctx ends;
// requests that are under way then are answered still.
func Listen(ctx context.Context, stop <-chan struct{}, at net.Listener, h http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       answerTime,
		WriteTimeout:      answerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(at) }()
	select {
	case err := <-failed:
		return err
	case <-stop:
	case <-ctx.Done():
	}
	drain, end := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer end()
	err := server.Shutdown(drain)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}
