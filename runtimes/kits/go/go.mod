module linmem/kit

go 1.25
