// Command check reads Kubernetes manifests as the API server would: every field must be one that its kind has. It needs no cluster.
// What only a cluster knows (admission, quotas) it cannot tell.
//
//	go -C packaging/kubernetes/check run . ../superd.yaml
//
// It is a module of its own, so that superd does not depend on Kubernetes. It also prints the superd.hcl of a ConfigMap with -hcl.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("check: ")
	hcl := flag.Bool("hcl", false, "print the superd.hcl of the ConfigMap")
	flag.Parse()
	for _, path := range flag.Args() {
		text, err := os.ReadFile(path)
		if err != nil {
			log.Fatal(err)
		}
		objects, err := read(text)
		if err != nil {
			log.Fatalf("%s: %v", path, err)
		}
		for _, o := range objects {
			if c, ok := o.(*core.ConfigMap); ok && *hcl {
				fmt.Print(c.Data["superd.hcl"])
			} else if !*hcl {
				fmt.Println(path+":", o.GetObjectKind().GroupVersionKind())
			}
		}
		if err := agree(objects); err != nil {
			log.Fatalf("%s: %v", path, err)
		}
	}
}

// read decodes each document strictly: an unknown or doubled field is an error.
func read(text []byte) ([]runtime.Object, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(core.AddToScheme(scheme), apps.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	var objects []runtime.Object
	for r := yaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(text))); ; {
		document := make([]byte, len(text))
		n, err := r.Read(document)
		if err == io.EOF {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		object, _, err := decoder.Decode(document[:n], nil, nil)
		if err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
}

// agree checks what the manifests say of each other: names of ports, volumes and labels.
func agree(objects []runtime.Object) error {
	configs := map[string]bool{}
	var deployments []*apps.Deployment
	for _, o := range objects {
		switch o := o.(type) {
		case *core.ConfigMap:
			configs[o.Name] = true
		case *apps.Deployment:
			deployments = append(deployments, o)
		}
	}
	for _, d := range deployments {
		pod := d.Spec.Template
		if !matches(d.Spec.Selector.MatchLabels, pod.Labels) {
			return fmt.Errorf("deployment %s does not select its own pods", d.Name)
		}
		volumes := map[string]bool{}
		for _, v := range pod.Spec.Volumes {
			volumes[v.Name] = true
			if v.ConfigMap != nil && !configs[v.ConfigMap.Name] {
				return fmt.Errorf("volume %s: no ConfigMap %s", v.Name, v.ConfigMap.Name)
			}
		}
		ports := map[string]bool{}
		for _, c := range pod.Spec.Containers {
			for _, m := range c.VolumeMounts {
				if !volumes[m.Name] {
					return fmt.Errorf("container %s: no volume %s", c.Name, m.Name)
				}
			}
			for _, p := range c.Ports {
				ports[p.Name] = true
			}
			for _, probe := range []*core.Probe{c.ReadinessProbe, c.LivenessProbe} {
				if probe != nil && probe.HTTPGet != nil && !ports[probe.HTTPGet.Port.StrVal] {
					return fmt.Errorf("container %s: a probe asks the port %s", c.Name, &probe.HTTPGet.Port)
				}
			}
		}
		for _, o := range objects {
			s, ok := o.(*core.Service)
			if !ok {
				continue
			}
			if !matches(s.Spec.Selector, pod.Labels) {
				return fmt.Errorf("service %s selects nothing", s.Name)
			}
			for _, p := range s.Spec.Ports {
				if !ports[p.TargetPort.StrVal] {
					return fmt.Errorf("service %s: no port %s", s.Name, &p.TargetPort)
				}
			}
		}
	}
	return nil
}

func matches(selector, labels map[string]string) bool {
	for k, v := range selector {
		if labels[k] != v {
			return false
		}
	}
	return len(selector) > 0
}
