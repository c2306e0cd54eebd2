# Services of the organisation are recognised by their name.
package acme.service_prefix

rule := {
	"id": "acme-service-without-prefix",
	"summary": "A service does not begin with the prefix of the organisation",
	"level": "info",
	"authority": "Fjordlight build manual, 4.7",
	"manual": "## Why\nWhat support sees in a list of services must be told from Microsoft's at a glance.",
}

findings contains {
	"message": sprintf("the service `%s` does not begin with `Fjord`", [service.name]),
	"place": service.place,
	"level": "info",
} if {
	some package_definition in input.packages
	some service in package_definition.services
	not startswith(service.name, "Fjord")
}
