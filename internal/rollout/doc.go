// Package rollout is one run driven by a fleet's Git repository: fetch, read
// the fleet at a commit, plan, apply, and keep in the state folder what came
// of it. The one-shot commands and the server do the same runs.
package rollout
