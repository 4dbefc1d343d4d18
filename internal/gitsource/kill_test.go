package gitsource_test

import (
	"bufio"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/internal/gitsource"
	"github.com/linkfleet/linkfleet/internal/gitsource/gittest"
)

// fetcherURL makes this test's program the process that is killed.
const (
	fetcherURL   = "LINKFLEET_TEST_FETCHER_URL"
	fetcherDir   = "LINKFLEET_TEST_FETCHER_DIR"
	fetcherToken = "LINKFLEET_TEST_FETCHER_TOKEN"
)

func TestFetcherProcess(t *testing.T) {
	url := os.Getenv(fetcherURL)
	if url == "" {
		t.Skip("it is started by TestKilledFetch")
	}
	m := open(t, gitsource.Options{URL: url, Dir: os.Getenv(fetcherDir), Auth: gitsource.Auth{Token: gitsource.Secret(os.Getenv(fetcherToken))}})
	fmt.Println("begins")
	fetch(t, m, "main")
}

// TestKilledFetch kills fetches at random times. Whatever they leave behind,
// the next fetch works.
func TestKilledFetch(t *testing.T) {
	r := gittest.New(t)
	web := r.HTTP()
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 8 {
		var text strings.Builder
		for range 20_000 {
			fmt.Fprintln(&text, random.Uint64())
		}
		head := r.Commit("main", "more", gittest.Files{fmt.Sprint("file", n): text.String()})
		killFetch(t, web, dir, time.Duration(random.IntN(60))*time.Millisecond)
		if n%2 == 0 {
			continue // so that one dead process finds what another left
		}
		m := open(t, gitsource.Options{URL: web.URL, Dir: dir, Auth: gitsource.Auth{Token: gitsource.Secret(web.Token)}})
		fetch(t, m, "main")
		at(t, m, "main", head)
		for k := range n + 1 {
			name := fmt.Sprint("file", k)
			files, err := m.Tree(head, "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := fs.ReadFile(files, name); err != nil {
				t.Error(err)
			}
		}
	}
}

func killFetch(t *testing.T, web gittest.HTTP, dir string, after time.Duration) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFetcherProcess$")
	cmd.Env = append(os.Environ(), fetcherURL+"="+web.URL, fetcherDir+"="+dir, fetcherToken+"="+web.Token)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if !bufio.NewScanner(out).Scan() {
		t.Error("the process says nothing")
	}
	time.Sleep(after) // the moment is at random, and any will do
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // it was killed, or done before that
}
