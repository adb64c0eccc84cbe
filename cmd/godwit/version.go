package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// versionInfo is what godwit version --json prints.
type versionInfo struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Time     string `json:"time,omitempty"`
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	Embedded bool   `json:"embedded_model"`
}

// readVersion returns what the Go tool recorded in the binary.
func readVersion() versionInfo {
	v := versionInfo{Version: "(devel)", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, Embedded: embeddedModel() != nil}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.time":
			v.Time = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

func versionCommand(io *console) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this binary",
		Long:  "version prints the version and commit that this binary was built from, the Go version and the platform.",
		Example: `  godwit version
  godwit version --json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := readVersion()
			if io.json {
				return io.writeJSON(v)
			}
			fmt.Fprintf(io.out, "godwit %s %s %s/%s\n", v.Version, v.Go, v.OS, v.Arch)
			if v.Commit != "" {
				state := ""
				if v.Modified {
					state = ", with local changes"
				}
				fmt.Fprintf(io.out, "commit %s of %s%s\n", v.Commit, v.Time, state)
			}
			if !v.Embedded {
				fmt.Fprintln(io.out, "built without the embedded model")
			}
			return nil
		},
	}
}
