// Package schedule says when something is to be done: a [Cron] at which times,
// [Windows] in which it may begin.
//
// Both go by the clock on the wall of a time zone, and both know that this
// clock is put forward and back. The zones' rules are linked in, for a
// container may have none.
package schedule
