package main

import "testing"

// A secret that was made from a file or with echo ends with a line's end,
// which no header can carry.
func TestForgeTokenIsTrimmed(t *testing.T) {
	term := newTerminal("")
	term.env[forgeTokenVariable] = "token\r\n"
	c, err := (&forgeFlags{}).config(term.app, "https://github.com/example/fleet")
	if err != nil {
		t.Fatal(err)
	}
	if c.Token != "token" {
		t.Errorf("the token is %q", c.Token)
	}
}
