// Command gen writes the compact service models that awssim checks requests and
// replies against, out of botocore's published ones:
//
//	go run ./internal/awssim/models/gen BOTOCORE_DATA internal/awssim/models
//
// BOTOCORE_DATA is the data folder of an installed botocore (Apache-2.0). Only
// the operations listed in operations.go are kept, and the shapes they reach.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: gen BOTOCORE_DATA OUT")
		os.Exit(2)
	}
	for _, service := range services() {
		if err := generate(os.Args[1], os.Args[2], service); err != nil {
			fmt.Fprintf(os.Stderr, "gen: %s: %v\n", service.signing, err)
			os.Exit(1)
		}
	}
}

// generate writes one service's compact model.
func generate(from, to string, service service) error {
	raw, err := readModel(filepath.Join(from, service.folder, service.version, "service-2.json"))
	if err != nil {
		return err
	}
	var full fullModel
	if err := json.Unmarshal(raw, &full); err != nil {
		return fmt.Errorf("reading the model: %w", err)
	}
	small, err := full.compact(service)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(small); err != nil {
		return fmt.Errorf("writing the model: %w", err)
	}
	return os.WriteFile(filepath.Join(to, service.signing+".json"), out.Bytes(), 0o644)
}

// readModel reads a model, which newer botocores keep compressed.
func readModel(path string) ([]byte, error) {
	plain, err := os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return plain, err
	}
	file, err := os.Open(path + ".gz")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	return io.ReadAll(unzipped)
}
