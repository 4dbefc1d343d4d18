package schema

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"
)

func example(t *testing.T) *Fleet {
	t.Helper()
	f, _, err := LoadFS(context.Background(), os.DirFS("../fleet.example"), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestChanged(t *testing.T) {
	for name, tc := range map[string]struct {
		change   func(*Fleet)
		services []string
		beyond   bool
	}{
		"nothing":            {change: func(*Fleet) {}},
		"where things stand": {change: func(f *Fleet) { f.Services["fraud"].Pos.Line += 7; f.Accounts["risk"].Pos.File = "else.cue" }},
		"deep in a service":  {change: func(f *Fleet) { f.Services["fraud"].Consumers["risk"].Endpoint.Subnets[0] = "subnet-1" }, services: []string{"fraud"}},
		"a consumer less":    {change: func(f *Fleet) { delete(f.Services["fraud"].Consumers, "risk") }, services: []string{"fraud"}},
		"no private name":    {change: func(f *Fleet) { f.Services["payments"].PrivateDNS = nil }, services: []string{"payments"}},
		"a waiver":           {change: func(f *Fleet) { f.Services["payments"].Waiver = &Waiver{Reason: "r", Expires: time.Unix(1, 0)} }, services: []string{"payments"}},
		"a service gone":     {change: func(f *Fleet) { delete(f.Services, "fraud") }, services: []string{"fraud"}},
		"a new service":      {change: func(f *Fleet) { f.Services["new"] = &Service{Name: "new"} }, services: []string{"new"}},
		"an account":         {change: func(f *Fleet) { f.Accounts["risk"].Role = "other" }, beyond: true},
		"a region":           {change: func(f *Fleet) { f.Regions = append(f.Regions, "eu-west-1") }, beyond: true},
		"a service and limits": {
			change:   func(f *Fleet) { delete(f.Services, "fraud"); f.Removed = []Removal{{Service: "fraud"}} },
			services: []string{"fraud"}, beyond: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			was, is := example(t), example(t)
			tc.change(is)
			if services, beyond := Changed(was, is); !slices.Equal(services, tc.services) || beyond != tc.beyond {
				t.Errorf("changed are %v, beyond them %v; want %v and %v", services, beyond, tc.services, tc.beyond)
			}
			if services, beyond := Changed(is, was); !slices.Equal(services, tc.services) || beyond != tc.beyond {
				t.Errorf("the other way round changed are %v, beyond them %v; want %v and %v", services, beyond, tc.services, tc.beyond)
			}
		})
	}
}
