package main

import (
	"os"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/programs/ctl"
)

func main() { os.Exit(cli.Main(ctl.Root(ctl.Config{}))) }
