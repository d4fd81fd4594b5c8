// Command kolo asks a supervisord what Telegraf and others ask with the same
// client library, into the same narrow types.
package main

import (
	"fmt"
	"log"
	"os"

	"github.com/kolo/xmlrpc"
)

type process struct {
	Name          string `xmlrpc:"name"`
	Group         string `xmlrpc:"group"`
	Description   string `xmlrpc:"description"`
	Start         int32  `xmlrpc:"start"`
	Stop          int32  `xmlrpc:"stop"`
	Now           int32  `xmlrpc:"now"`
	State         int16  `xmlrpc:"state"`
	Statename     string `xmlrpc:"statename"`
	StdoutLogfile string `xmlrpc:"stdout_logfile"`
	StderrLogfile string `xmlrpc:"stderr_logfile"`
	SpawnErr      string `xmlrpc:"spawnerr"`
	ExitStatus    int8   `xmlrpc:"exitstatus"`
	Pid           int32  `xmlrpc:"pid"`
}

func main() {
	client, err := xmlrpc.NewClient(os.Args[1], nil)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	var state struct {
		Code int8   `xmlrpc:"statecode"`
		Name string `xmlrpc:"statename"`
	}
	call := func(method string, args, result any) {
		if err := client.Call(method, args, result); err != nil {
			log.Fatalf("%s: %v", method, err)
		}
	}
	call("supervisor.getState", nil, &state)
	fmt.Println("daemon", state.Code, state.Name)
	var identification string
	call("supervisor.getIdentification", nil, &identification)
	fmt.Println("identification", identification)
	var all []process
	call("supervisor.getAllProcessInfo", nil, &all)
	for _, p := range all {
		fmt.Println(p.Group+":"+p.Name, p.State, p.Statename, p.Pid > 0, p.Start > 0)
	}
	var done bool
	call("supervisor.signalProcess", []any{"cat", 1}, &done) // abrander/go-supervisord sends an int
	fmt.Println("signalled", done)
	var changes [][][]string
	call("supervisor.reloadConfig", nil, &changes)
	fmt.Println("changes", changes)
	err = client.Call("supervisor.startProcess", []any{"nobody", true}, &done)
	fmt.Println("fault", err)
}
