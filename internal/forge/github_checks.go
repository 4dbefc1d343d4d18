package forge

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/go-github/v89/github"
)

// annotationsAtOnce is how many annotations one request may bring:
// https://docs.github.com/rest/checks/runs#create-a-check-run
const annotationsAtOnce = 50

// Annotate implements [Forge] with a check run, which only an App may make. A
// new run hides the last one of its name; without notes one is made only to
// hide a run that has some.
func (g *gitHub) Annotate(ctx context.Context, commit, statusContext string, notes []Annotation) error {
	if g.app == nil {
		return nil
	}
	name := statusContext + "/files"
	err := g.annotate(ctx, commit, name, notes)
	return GitHub.explain("annotate commit "+commit, writeChecks, err)
}

func (g *gitHub) annotate(ctx context.Context, commit, name string, notes []Annotation) error {
	if len(notes) == 0 {
		clean, err := g.clean(ctx, commit, name)
		if err != nil || clean {
			return err
		}
	}
	run, err := g.checkRun(ctx, commit, name, notes)
	if err != nil {
		return err
	}
	for from := annotationsAtOnce; from < len(notes); from += annotationsAtOnce {
		more := github.UpdateCheckRunOptions{Name: name, Output: output(notes, from)}
		if _, _, err := g.client.Checks.UpdateCheckRun(ctx, g.owner, g.repo, run, more); err != nil {
			return err
		}
	}
	return nil
}

// clean tells whether no run of that name has anything to say of the commit.
func (g *gitHub) clean(ctx context.Context, commit, name string) (bool, error) {
	runs, _, err := g.client.Checks.ListCheckRunsForRef(ctx, g.owner, g.repo, commit,
		&github.ListCheckRunsOptions{CheckName: &name, Filter: github.Ptr("latest")})
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(runs.CheckRuns, func(r *github.CheckRun) bool {
		return r.GetOutput().GetAnnotationsCount() > 0
	}), nil
}

// checkRun makes a run that is over, with the first of the notes. A run that
// is made twice hides itself.
func (g *gitHub) checkRun(ctx context.Context, commit, name string, notes []Annotation) (id int64, err error) {
	conclusion := "success"
	if slices.ContainsFunc(notes, func(n Annotation) bool { return !n.Warning }) {
		conclusion = "failure"
	}
	options := github.CreateCheckRunOptions{
		Name: name, HeadSHA: commit,
		Status: github.Ptr("completed"), Conclusion: &conclusion,
		Output: output(notes, 0),
	}
	err = repeat(ctx, func() error {
		run, _, err := g.client.Checks.CreateCheckRun(ctx, g.owner, g.repo, options)
		id = run.GetID()
		return err
	})
	return id, err
}

// output has as many of the notes as one request takes, from one on.
func output(notes []Annotation, from int) *github.CheckRunOutput {
	title := fmt.Sprintf("%d notes on the fleet's files", len(notes))
	switch len(notes) {
	case 0:
		title = "The fleet's files are valid"
	case 1:
		title = "1 note on the fleet's files"
	}
	out := &github.CheckRunOutput{Title: &title, Summary: &title}
	for _, n := range notes[from:min(from+annotationsAtOnce, len(notes))] {
		level := "failure"
		if n.Warning {
			level = "warning"
		}
		line := max(n.Line, 1)
		out.Annotations = append(out.Annotations, &github.CheckRunAnnotation{
			Path: &n.Path, StartLine: &line, EndLine: &line, AnnotationLevel: &level, Message: &n.Message,
		})
	}
	return out
}
