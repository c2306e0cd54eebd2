# The description of every image names its owner, so that a file on a desk can be told from others.
package acme.description_names_owner

rule := {
	"id": "acme-description-without-owner",
	"summary": "The description of an image does not name Fjordlight",
	"level": "warning",
	"authority": "Fjordlight build manual, 2.1",
	"manual": "## Why\nImages of several owners lie in one store, and only the description travels with the file.",
}

findings contains {
	"message": sprintf("the description is `%s`, expected one with `Fjordlight`", [product.description.value]),
	"place": product.description.place,
	"help": "name the owner in `Description`",
} if {
	some product in input.products
	not contains(product.description.value, "Fjordlight")
}
