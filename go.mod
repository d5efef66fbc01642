module superd

go 1.26.0
