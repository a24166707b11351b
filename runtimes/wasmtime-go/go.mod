module linmem/wasmtime-go

go 1.25

require (
	github.com/bytecodealliance/wasmtime-go/v39 v39.0.1
	linmem/kit v0.0.0
)

replace linmem/kit => ../kits/go
