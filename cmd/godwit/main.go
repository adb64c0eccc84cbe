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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	io := terminalIO()
	io.in = &interruptible{ctx: ctx, r: io.in}
	code := run(ctx, io, os.Args[1:])
	stop()
	os.Exit(code)
}
