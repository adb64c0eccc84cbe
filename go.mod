module github.com/godwit-ml/godwit

go 1.25.0

require golang.org/x/sys v0.45.0

require github.com/klauspost/cpuid/v2 v2.4.2

require go.yaml.in/yaml/v3 v3.0.4

require (
	github.com/dlclark/regexp2 v1.12.0
	github.com/spf13/cobra v1.10.2
	golang.org/x/image v0.39.0
	golang.org/x/term v0.43.0
	golang.org/x/text v0.36.0
	gonum.org/v1/gonum v0.17.0
)

require (
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
)
