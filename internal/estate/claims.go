package estate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/linkfleet/linkfleet/planner"
)

// claimsDir is the folder beside a fleet's files that says which object of
// AWS's is which of its resources: adopt/NAME.json, each a JSON object of ids
// by address. It is needed until the objects are adopted, and may go then.
const claimsDir = "adopt"

// claimsText is the text of a file of claims.
func claimsText(objects map[planner.Addr]string) ([]byte, error) {
	ids := map[string]string{}
	for addr, id := range objects {
		ids[addr.String()] = id
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(ids)
	return b.Bytes(), err
}

// ReadClaims reads the ids of objects by the addresses that they are to have,
// from every .json file in the folder adopt of a fleet's folder.
func ReadClaims(dir string) (map[planner.Addr]string, error) {
	folder := filepath.Join(dir, claimsDir)
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no folder %s, which says by id what is to be adopted; linkfleet import writes it, or write a file such as %s of {\"endpoint-service/fraud@platform/us-east-1\": \"vpce-svc-…\", …}",
			folder, filepath.Join(folder, "fraud.json"))
	}
	if err != nil {
		return nil, fmt.Errorf("reading what is to be adopted: %w", err)
	}
	objects := map[planner.Addr]string{}
	for _, e := range entries {
		if !e.Type().IsRegular() || filepath.Ext(e.Name()) != ".json" {
			continue
		}
		if err := readClaims(filepath.Join(folder, e.Name()), objects); err != nil {
			return nil, err
		}
	}
	return objects, eachOnce(objects)
}

// claimsSize bounds a file of claims: 16 MiB are more than 100,000 objects.
const claimsSize = 16 << 20

func readClaims(name string, into map[planner.Addr]string) error {
	info, err := os.Stat(name)
	if err == nil && info.Size() > claimsSize {
		err = fmt.Errorf("it has %d bytes, and %d are allowed", info.Size(), claimsSize)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(name)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	var ids map[string]string
	if err := json.Unmarshal(text, &ids); err != nil {
		return fmt.Errorf("%s is not a JSON object of ids by address: %w", name, err)
	}
	if key, ok := doubled(text); ok {
		return fmt.Errorf("%s says twice what %q is; only one can be", name, key)
	}
	for _, text := range slices.Sorted(maps.Keys(ids)) {
		addr, err := parseAddr(text)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if ids[text] == "" {
			return fmt.Errorf("%s says no id of %s; give it one, or delete the line", name, addr)
		}
		if other, ok := into[addr]; ok && other != ids[text] {
			return fmt.Errorf("%s says that %s is %s, and another file says that it is %s; only one can be", name, addr, ids[text], other)
		}
		into[addr] = ids[text]
	}
	return nil
}

// doubled finds a key that a JSON object of texts has twice. Of such keys
// Unmarshal has taken the last.
func doubled(text []byte) (string, bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	_, _ = d.Token() // the text is known to be sound
	seen := map[string]bool{}
	for d.More() {
		token, _ := d.Token()
		key, _ := token.(string)
		if seen[key] {
			return key, true
		}
		seen[key] = true
		_, _ = d.Token() // the value
	}
	return "", false
}

// parseAddr reads what Addr's String wrote.
func parseAddr(text string) (planner.Addr, error) {
	i := strings.LastIndex(text, "@")
	account, region, ok := strings.Cut(text[i+1:], "/")
	if i < 0 || !ok || account == "" || region == "" {
		return planner.Addr{}, fmt.Errorf("%q is no address: want kind/name@account/region", text)
	}
	return planner.ParsePath(text[:i], planner.Place{Account: account, Region: region})
}

// eachOnce refuses two resources that are to be one object.
func eachOnce(objects map[planner.Addr]string) error {
	holder := map[string]planner.Addr{}
	for _, o := range ordered(objects) {
		key := o.Addr.Place.String() + " " + o.ID
		if other, ok := holder[key]; ok {
			return fmt.Errorf("%s cannot be both %s and %s; give one of them another id", o.ID, other, o.Addr)
		}
		holder[key] = o.Addr
	}
	return nil
}

// ordered are the objects by address.
func ordered(objects map[planner.Addr]string) []Object {
	var all []Object
	for addr, id := range objects {
		all = append(all, Object{addr, id})
	}
	slices.SortFunc(all, func(a, b Object) int { return a.Addr.Compare(b.Addr) })
	return all
}

func joinSorted(texts []string) string {
	slices.Sort(texts)
	return strings.Join(texts, "; ")
}
