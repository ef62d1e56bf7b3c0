module minderbinder

go 1.19
