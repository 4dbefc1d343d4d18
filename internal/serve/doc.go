// Package serve drives a fleet by its repository: what webhooks, polling,
// schedules and AWS's own events ask for is queued in the ledger, and done by
// workers, one run after the other and some previews beside it. A crash at any
// time loses nothing that was queued.
//
// The state folder is of one fleet, so its jobs carry no fleet's name: that is
// not known before the fleet was read, and may not be by then.
package serve
