package awssim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// begin puts the world in place: the state file's if there is one, otherwise
// the one the options describe.
func (s *Sim) begin() error {
	if s.options.State != "" {
		raw, err := os.ReadFile(s.options.State)
		switch {
		case err == nil:
			return s.restore(raw)
		case !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("awssim: reading the state: %w", err)
		}
	}
	return s.startOver()
}

// restore takes up a stored world. Its clock goes on from the later of the
// machine's time and the stored one, so that what was due meanwhile happens.
func (s *Sim) restore(raw []byte) error {
	w := s.emptyWorld()
	if err := json.Unmarshal(raw, w); err != nil {
		return fmt.Errorf("awssim: the state file %s cannot be read; delete it to start afresh: %w", s.options.State, err)
	}
	s.world = w
	if w.Now.After(s.clock.now()) {
		s.clock = newClock(w.Now, s.options.Speed)
	}
	return nil
}

// Reset puts the world back as the options describe it, and forgets calls and
// faults. The clock runs on.
func (s *Sim) Reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.startOver()
}

func (s *Sim) startOver() error {
	s.calls.clear()
	s.faults, s.storm = nil, nil
	s.held, s.aside = nil, nil
	s.world = s.emptyWorld()
	s.wake()
	if err := s.populate(s.options.World); err != nil {
		return err
	}
	return s.save()
}

// emptyWorld is a world before anything is in it.
func (s *Sim) emptyWorld() *world {
	return &world{
		Seed:       nonEmpty(s.options.World.Seed, "awssim"),
		Now:        s.clock.now(),
		Accounts:   make(map[string]*account),
		Cells:      make(map[place]*cell),
		Sessions:   make(map[string]*session),
		AccessKeys: make(map[string]string),
	}
}

// changed notes that the world is no longer as it was: outside parties look
// again, and the state file follows. A state file that cannot be written is
// told to the log; requests go on being served.
func (s *Sim) changed() {
	s.world.Version++
	s.wake()
	if err := s.save(); err != nil && s.options.Logger != nil {
		s.options.Logger.Error("the simulator's state was not stored", "error", err)
	}
}

// save writes the state file, whole or not at all.
func (s *Sim) save() error {
	if s.options.State == "" {
		return nil
	}
	raw, err := json.Marshal(s.world)
	if err != nil {
		return fmt.Errorf("awssim: storing the state: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(s.options.State), ".awssim-*")
	if err != nil {
		return fmt.Errorf("awssim: storing the state: %w", err)
	}
	_, err = file.Write(raw)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), s.options.State)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return fmt.Errorf("awssim: storing the state: %w", err)
	}
	return nil
}
