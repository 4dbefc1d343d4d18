package schema

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
)

// largeFleet is a fleet of services that are alike, one file each.
func largeFleet(services, consumers int) fstest.MapFS {
	var head strings.Builder
	head.WriteString("package fleet\n\nfleet: {name: \"large\", regions: [\"us-east-1\"]}\naccounts: platform: {id: \"111111111111\", role: \"linkfleet\"}\n")
	for c := range consumers {
		fmt.Fprintf(&head, "accounts: team%d: {id: \"%d\", role: \"linkfleet\"}\n", c, 200000000000+c)
	}
	head.WriteString("zones: \"example.com\": {account: \"platform\", id: \"Z0123456789\"}\n")
	head.WriteString("services: [string]: unknownConnections: \"reject\"\n")
	files := fstest.MapFS{
		"fleet.cue":          {Data: []byte(head.String())},
		schemaFile:           {Data: schemaText},
		"cue.mod/module.cue": {Data: []byte("module: \"fleet.example/large@v0\"\nlanguage: version: \"" + languageVersion + "\"\n")},
	}
	for s := range services {
		files[fmt.Sprintf("services/service%d.cue", s)] = &fstest.MapFile{Data: []byte(largeService(s, consumers))}
	}
	return files
}

func largeService(s, consumers int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `package fleet

services: service%[1]d: {
	account: "platform"
	region:  "us-east-1"
	loadBalancer: {
		vpc: "vpc-0000abc%04[1]x"
		subnets: ["subnet-0000aaa%04[1]x", "subnet-0000bbb%04[1]x", "subnet-0000ccc%04[1]x"]
		securityGroup: {from: ["10.0.0.0/8"], enforceOnPrivateLink: true}
	}
	listeners: https: {
		port: 8443
		targets: {type: "ip", port: 8443, addresses: ["10.20.1.10", "10.20.2.10"]}
		healthCheck: {protocol: "TCP", interval: 10}
	}
	privateDNS: name: "service%[1]d.example.com"
	consumers: {
`, s)
	for c := range consumers {
		fmt.Fprintf(&b, `		team%[1]d: endpoint: {
			vpc: "vpc-0000def%04[1]x"
			subnets: ["subnet-0000ddd%04[1]x", "subnet-0000eee%04[1]x"]
			from: ["10.%[2]d.0.0/16"]
			privateDNS: true
		}
`, c, c%256)
	}
	b.WriteString("\t}\n}\n")
	return b.String()
}

// BenchmarkLoad loads fleets of 1 to 200 services with 120 consumers each.
// To compare: write the same files somewhere and time cue vet -c ./services.
func BenchmarkLoad(b *testing.B) {
	for _, services := range []int{1, 10, 100, 200} {
		b.Run(fmt.Sprintf("services=%d/consumers=120", services), func(b *testing.B) {
			files := largeFleet(services, 120)
			size := 0
			for _, f := range files {
				size += len(f.Data)
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				fleet, _, err := LoadFS(b.Context(), files, testDay)
				if err != nil || len(fleet.Services) != services {
					b.Fatal(err)
				}
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.Sys)/(1<<20), "MiB-from-OS")
		})
	}
}

// BenchmarkPlainVet evaluates the same files in one piece with CUE alone, to
// compare with BenchmarkLoad.
func BenchmarkPlainVet(b *testing.B) {
	for _, services := range []int{1, 10, 100, 200} {
		b.Run(fmt.Sprintf("services=%d/consumers=120", services), func(b *testing.B) {
			dir := b.TempDir()
			if err := os.CopyFS(dir, largeFleet(services, 120)); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := plainVet(b, dir+"/services", true); err != nil {
					b.Fatal(err)
				}
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.Sys)/(1<<20), "MiB-from-OS")
		})
	}
}
