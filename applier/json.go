package applier

import (
	"bytes"
	"encoding/json"
	"io"
	"time"

	"github.com/linkfleet/linkfleet/planner"
)

// ReportVersion is the version of what [JSON] writes. It grows when a field
// changes its meaning or goes, and not when one is added.
const ReportVersion = 1

// JSON writes the report as one indented JSON object. Durations are seconds
// of the wall's clock; what is empty is left out, but for counts and lists.
//
//	version      1
//	fleet        the fleet's name
//	commit       the commit that was applied, if known
//	began        when, RFC 3339
//	seconds      how long it took
//	interrupted  why the run did not take its course
//	counts       done, failed, skipped, unfinished, notStarted, blocked
//	steps        in the order of the plan, each with
//	  action       create, update or delete
//	  addr         kind, name, place {account, region}
//	  id           of a delete: what was to go
//	  group        service and consumer it is shown under
//	  origin       file:line of the text that asks for the resource
//	  state        done, failed, skipped, unfinished or not-started
//	  made         the id a create or update left
//	  reason       the last that was heard of the resource, in AWS's word
//	  because      action, addr and id of the failed step behind it
//	  error        one line, address first, of a failed step
//	  started      seconds after the run began
//	  seconds      how long the step took, waits included
//	blocked      what the plan would not take: action, addr, id, group, cause,
//	             reason, mend
func JSON(w io.Writer, r *Report) error {
	out := jsonReport{
		Version: ReportVersion,
		Fleet:   r.Fleet,
		Commit:  r.Commit,
		Began:   r.Began.UTC(),
		Seconds: seconds(r.Took),
		Counts: jsonCounts{
			Done: r.Count(Done), Failed: r.Count(Failed), Skipped: r.Count(Skipped),
			Unfinished: r.Count(Unfinished), NotStarted: r.Count(NotStarted), Blocked: len(r.Blocked),
		},
		Steps:   make([]jsonStep, 0, len(r.Results)),
		Blocked: append([]planner.Blocked{}, r.Blocked...),
	}
	if r.Interrupted != nil {
		out.Interrupted = oneLine(r.Interrupted.Error())
	}
	for _, res := range r.Results {
		out.Steps = append(out.Steps, res.json())
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(out); err != nil {
		return err
	}
	_, err := w.Write(planner.PlainJSON(b.Bytes()))
	return err
}

type jsonReport struct {
	Version     int               `json:"version"`
	Fleet       string            `json:"fleet"`
	Commit      string            `json:"commit,omitempty"`
	Began       time.Time         `json:"began"`
	Seconds     float64           `json:"seconds"`
	Interrupted string            `json:"interrupted,omitempty"`
	Counts      jsonCounts        `json:"counts"`
	Steps       []jsonStep        `json:"steps"`
	Blocked     []planner.Blocked `json:"blocked"`
}

type jsonCounts struct {
	Done       int `json:"done"`
	Failed     int `json:"failed"`
	Skipped    int `json:"skipped"`
	Unfinished int `json:"unfinished"`
	NotStarted int `json:"notStarted"`
	Blocked    int `json:"blocked"`
}

type jsonStep struct {
	planner.StepKey
	Group   planner.Group    `json:"group"`
	Origin  string           `json:"origin,omitempty"`
	State   State            `json:"state"`
	Made    string           `json:"made,omitempty"`
	Reason  string           `json:"reason,omitempty"`
	Because *planner.StepKey `json:"because,omitempty"`
	Error   string           `json:"error,omitempty"`
	Started float64          `json:"started,omitempty"`
	Seconds float64          `json:"seconds,omitempty"`
}

func (r Result) json() jsonStep {
	s := jsonStep{
		StepKey: r.StepKey, Group: r.Group, Origin: r.Origin,
		State: r.State, Made: r.Made, Reason: r.Reason, Because: r.Because,
		Started: seconds(r.Started), Seconds: seconds(r.Took),
	}
	if r.Err != nil {
		s.Error = oneLine(r.Err.Error())
	}
	return s
}

// seconds has milliseconds for its last digit.
func seconds(d time.Duration) float64 {
	return float64(d.Round(time.Millisecond)/time.Millisecond) / 1000
}
