package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/planner"
)

// showResult writes what happened and what is left.
func (a *app) showResult(r *reconcile.Result, format string) error {
	if format == "json" {
		return a.showResultJSON(r)
	}
	if len(r.Reports) == 0 {
		return nil // nothing happened, and the plan has been shown
	}
	fmt.Fprintln(a.stdout)
	if err := a.showReport(a.stdout, r.Report()); err != nil {
		return err
	}
	switch left := r.Left; {
	case left == nil:
		return nil
	case len(left.Steps)+len(left.Blocked)+len(left.Notes) == 0:
		_, err := fmt.Fprintln(a.stdout, left.Summary())
		return err
	default:
		fmt.Fprintln(a.stdout, "\nAfter this:")
		return a.showPlan(a.stdout, left)
	}
}

// showResultJSON writes one object: the report, in the form of
// [applier.JSON], null if there was nothing to do; and the plan of what is
// left, in the form of [planner.JSON], null if AWS could not be read again.
func (a *app) showResultJSON(r *reconcile.Result) error {
	var report, left bytes.Buffer
	var errs []error
	if len(r.Reports) > 0 {
		errs = append(errs, applier.JSON(&report, r.Report()))
	}
	if r.Left != nil {
		errs = append(errs, planner.JSON(&left, r.Left))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		Report json.RawMessage `json:"report"`
		Left   json.RawMessage `json:"left"`
	}{orNull(report.Bytes()), orNull(left.Bytes())})
}

func orNull(text []byte) json.RawMessage {
	if len(text) == 0 {
		return json.RawMessage("null")
	}
	return text
}

// outcome is what apply ends with: the most serious of what is the matter.
func outcome(r *reconcile.Result) error {
	if r.Lost != nil && r.Interrupted() {
		return r.Lost
	}
	if len(r.Reports) > 0 {
		if err := unfinished(r.Report()); err != nil {
			return err
		}
	}
	switch left := r.Left; {
	case left == nil:
		return nil // why, is an error of its own
	case len(left.Unread) > 0:
		return unreadError(left)
	case len(left.Steps) > 0 && len(r.Reports) > 0:
		return fmt.Errorf("%s still to be made; run apply again", isOrAre(left.Changes().Total(), "change"))
	case len(left.Blocked) > 0:
		return refused("%s not be taken; the reasons stand above", canOrNot(len(left.Blocked)))
	}
	return nil
}

// unfinished says that steps were not done.
func unfinished(r *applier.Report) error {
	rest := len(r.Results) - r.Count(applier.Done)
	switch {
	case r.Interrupted != nil:
		return fmt.Errorf("interrupted with %s not done; run apply again to go on", plural(rest, "step"))
	case r.Count(applier.Failed) > 0:
		return fmt.Errorf("%s failed and %d more could not be done because of that; mend what the table above says and run apply again", plural(r.Count(applier.Failed), "step"), rest-r.Count(applier.Failed))
	case rest > 0:
		return fmt.Errorf("%s not done; run apply again to go on", isOrAre(rest, "step"))
	}
	return nil
}

func isOrAre(n int, thing string) string {
	if n == 1 {
		return "1 " + thing + " is"
	}
	return plural(n, thing) + " are"
}

func canOrNot(n int) string {
	if n == 1 {
		return "1 step of the plan could"
	}
	return plural(n, "step") + " of the plan could"
}
