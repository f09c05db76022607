package main

import (
	"path/filepath"

	"bailiff/policy/guard"
	"bailiff/policy/name"
	"bailiff/policy/problem"
	"bailiff/policy/strictyaml"
)

// guard is what no order may hit: what the config file protects, and the
// server's own addresses.
func (c *config) guard() guard.Config {
	g := c.protected
	for _, a := range c.listen {
		g.Own = append(g.Own, a.Addr())
	}
	return g
}

// protectedReader is the reader for what is protected; paths start at the
// folder of the config file.
func protectedReader(file string) func(strictyaml.Value) guard.Config {
	path := pathFrom(filepath.Dir(file))
	return func(v strictyaml.Value) (c guard.Config) {
		v.Mapping(
			strictyaml.Key("names", &c.Names, strictyaml.List(strictyaml.Parsed(parseProtected))),
			strictyaml.Key("name_files", &c.NameFiles, strictyaml.List(path)),
			strictyaml.Key("prefixes", &c.Prefixes, strictyaml.List(strictyaml.Prefix)),
			strictyaml.Key("prefix_files", &c.PrefixFiles, strictyaml.List(path)),
			strictyaml.Key("popular", &c.Popular, func(v strictyaml.Value) (p guard.Popular) {
				v.Mapping(
					strictyaml.Key("file", &p.File, path).Required(),
					strictyaml.Key("top", &p.Top, strictyaml.Int(1, guard.MaxTop)),
				)
				return p
			}),
		)
		return c
	}
}

func parseProtected(text string) (name.Name, error) {
	n, err := name.Parse(text)
	if n == name.Root {
		err = problem.Fault{Text: "is the root: no order could hold anything", Remedy: "name what is to be protected"}
	}
	return n, err
}
