// Command godwit runs transformer models from Hugging Face files on the CPU: it embeds texts, searches files by meaning,
// and shows and checks models. Run godwit help for its commands.
//
// Exit codes: 0 success, 1 failure, 2 wrong usage.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, end := context.WithCancel(context.Background())
	io := terminalIO()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		for s := range signals {
			if s == os.Interrupt && io.interrupted() {
				continue
			}
			signal.Stop(signals) // a second Ctrl-C ends the process at once
			end()
			return
		}
	}()
	io.in = &interruptible{ctx: ctx, r: io.in}
	os.Exit(run(ctx, io, os.Args[1:]))
}
