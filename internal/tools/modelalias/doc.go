// Command modelalias writes a file that gives a package the types and constants of another one
// under its own name: the API's models are generated once, and server and client both have them.
//
//	modelalias MODEL.go IMPORTPATH PACKAGE OUTPUT
package main
