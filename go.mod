module github.com/godwit-ml/godwit

go 1.25
