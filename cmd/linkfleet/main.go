// Command linkfleet keeps a fleet of AWS PrivateLink services the way a
// repository of CUE files says it should be.
package main

import (
	"context"
	"os"
)

func main() { os.Exit(systemApp().run(context.Background(), os.Args[1:])) }
