package awssim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// control serves the simulator's own endpoints:
//
//	GET  /_sim/calls          counts; ?log=1 also the calls in order
//	POST /_sim/reset          the world, calls and faults as at the start; ?calls the calls only
//	POST /_sim/faults         a JSON list of faults to plan, or a storm: {"seed": 7, "rate": 0.05,
//	                          "effects": ["throttle", "lost"], "calm": "10m"}; rate 0 ends it
//	GET  /_sim/world          everything the simulator remembers
//	GET  /_sim/clock          the simulator's time
//	POST /_sim/clock          {"advance": "30s"} or {"set": "2030-01-02T03:04:05Z"}
//
// They take no signature.
func (s *Sim) control(r *http.Request, body []byte) reply {
	answer, err := s.controlled(r, body)
	if err != nil {
		return jsonReply(http.StatusBadRequest, map[string]string{"error": err.Error()})
	}
	return answer
}

func (s *Sim) controlled(r *http.Request, body []byte) (reply, error) {
	switch r.Method + " " + r.URL.Path {
	case "GET /_sim/calls":
		return s.callsReply(r.URL.Query().Has("log")), nil
	case "POST /_sim/reset":
		if r.URL.Query().Has("calls") {
			s.calls.clear()
			return jsonReply(http.StatusOK, map[string]string{"reset": "calls"}), nil
		}
		return jsonReply(http.StatusOK, map[string]string{"reset": "world"}), s.startOver()
	case "POST /_sim/faults":
		return s.planAll(body)
	case "GET /_sim/world":
		return jsonReply(http.StatusOK, s.world), nil
	case "GET /_sim/clock":
		return jsonReply(http.StatusOK, map[string]time.Time{"now": s.now()}), nil
	case "POST /_sim/clock":
		return s.setClock(body)
	}
	return jsonReply(http.StatusNotFound, map[string]string{"error": r.Method + " " + r.URL.Path + " is not an endpoint of the simulator"}), nil
}

func (s *Sim) callsReply(withLog bool) reply {
	total, counts := s.calls.counts()
	out := struct {
		Total int         `json:"total"`
		Calls []CallCount `json:"calls"`
		Log   []Call      `json:"log,omitempty"`
	}{Total: total, Calls: counts}
	if withLog {
		out.Log = s.calls.all
	}
	return jsonReply(http.StatusOK, out)
}

func (s *Sim) planAll(body []byte) (reply, error) {
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return s.stormReply(body)
	}
	var faults []Fault
	if err := json.Unmarshal(body, &faults); err != nil {
		return reply{}, fmt.Errorf("faults: a JSON list is wanted: %w", err)
	}
	for _, f := range faults {
		if err := s.plan(f); err != nil {
			return reply{}, err
		}
	}
	return jsonReply(http.StatusOK, map[string]int{"planned": len(faults)}), nil
}

func (s *Sim) stormReply(body []byte) (reply, error) {
	var storm Storm
	if err := json.Unmarshal(body, &storm); err != nil {
		return reply{}, fmt.Errorf("faults: a JSON list or a storm is wanted: %w", err)
	}
	if !bytes.Contains(body, []byte(`"rate"`)) {
		return reply{}, errors.New("faults: a storm says its rate")
	}
	return jsonReply(http.StatusOK, map[string]float64{"rate": storm.Rate}), s.loose(storm)
}

func (s *Sim) setClock(body []byte) (reply, error) {
	var in struct {
		Advance string    `json:"advance"`
		Set     time.Time `json:"set"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return reply{}, fmt.Errorf("clock: %w", err)
	}
	by := in.Set.Sub(s.now())
	if in.Set.IsZero() {
		var err error
		if by, err = time.ParseDuration(in.Advance); err != nil {
			return reply{}, fmt.Errorf(`clock: "advance" wants a duration such as "30s": %w`, err)
		}
	}
	if by < 0 {
		return reply{}, fmt.Errorf("clock: time does not run backwards (by %s)", by)
	}
	s.advance(by)
	return jsonReply(http.StatusOK, map[string]time.Time{"now": s.now()}), nil
}

// Advance sets the clock forward, and makes happen what falls due meanwhile.
func (s *Sim) Advance(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	s.advance(max(0, by))
}

func (s *Sim) advance(by time.Duration) {
	s.clock.start = s.clock.start.Add(by)
	s.catchUp()
	s.changed()
}

// Now is the simulator's time.
func (s *Sim) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock.now()
}

func jsonReply(status int, v any) reply {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		status, body = http.StatusInternalServerError, fmt.Appendf(nil, "{\"error\": %q}", err.Error())
	}
	return reply{Status: status, Type: "application/json", Body: append(body, '\n')}
}
