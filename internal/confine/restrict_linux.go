package confine

import (
	"errors"
	"os"
	"runtime"
	"syscall"
	"time"
)

// restrict has the system hold the process to its bounds: what it may
// allocate at a stroke, faster than any watch, and what it may burn when
// nobody is left to end it. From here on it opens no file and no socket,
// writes no file and leaves no core. See setrlimit(2).
func restrict(b Bounds) error {
	memory := 2*uint64(b.Memory) + 512<<20 // Go takes more than it uses
	cpu := uint64((b.Time+grace)/time.Second+1) * uint64(runtime.GOMAXPROCS(0))
	set := func(what int, most uint64) error {
		return syscall.Setrlimit(what, &syscall.Rlimit{Cur: most, Max: most})
	}
	return errors.Join(
		set(syscall.RLIMIT_DATA, memory),
		syscall.Setrlimit(syscall.RLIMIT_CPU, &syscall.Rlimit{Cur: cpu, Max: cpu + 1}), // SIGXCPU, then SIGKILL
		set(syscall.RLIMIT_NOFILE, 0),
		set(syscall.RLIMIT_FSIZE, 0),
		set(syscall.RLIMIT_CORE, 0),
	)
}

// killed tells what the system ended the process for.
func killed(state *os.ProcessState) resource {
	status, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return ""
	}
	switch status.Signal() {
	case syscall.SIGXCPU:
		return outOfTime
	case syscall.SIGKILL: // not ours: the machine is out of memory
		return outOfMemory
	}
	return ""
}
