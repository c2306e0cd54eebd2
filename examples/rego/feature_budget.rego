# A retail image has few features: each is something to keep safe.
package acme.feature_budget

import data.acme.limits

rule := {
	"id": "acme-too-many-features",
	"summary": "A retail image has more features than were agreed",
	"level": "error",
	"images": ["retail"],
	"authority": "Fjordlight security review",
	"manual": "## Why\nEvery feature is something to keep safe for as long as the device lives.",
}

findings contains {
	"message": sprintf("%d features, agreed are %d", [count(product.features), limits.features]),
	"pointer": sprintf("/products/%d/features/%d", [index, limits.features]),
	"help": "remove features, or have more agreed",
} if {
	some index, product in input.products
	count(product.features) > limits.features
}
