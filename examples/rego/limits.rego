# What the rules share; a file without `rule` is none.
package acme.limits

features := 12
