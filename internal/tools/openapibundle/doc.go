// Command openapibundle writes the OpenAPI document that is split into files by resource as
// one file: what oapi-codegen reads, the programs embed and a fund serves.
//
// What a file names of another one becomes a component of the document under its own name, so
// two files may not use one name for two things.
//
// Generators get a document of their own, in which open enumerations (x-extensible-enum) are closed
// ones with a constant for each value.
//
// Usage: openapibundle ROOT OUTPUT FOR_GENERATORS.
package main
