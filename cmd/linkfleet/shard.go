package main

import "github.com/linkfleet/linkfleet/internal/reconcile"

// shardFlag is a shard as it is given on the command line; nil is the whole
// fleet, which an empty text is not.
type shardFlag struct{ shard *reconcile.Shard }

func (f *shardFlag) String() string {
	if f.shard == nil {
		return ""
	}
	return f.shard.String()
}

func (f *shardFlag) Set(text string) error {
	shard, err := reconcile.ParseShard(text)
	f.shard = &shard
	return err
}

func (f *shardFlag) Type() string { return "I/N" }

// divide limits a run to the shard that was asked for, if any.
func (f *shardFlag) divide(run *reconcile.Run) error {
	if f.shard == nil {
		return nil
	}
	return run.Divide(*f.shard)
}
