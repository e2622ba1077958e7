namespace Coach.Usage.Prices;

/// <summary>The schema of a price file.</summary>
internal static class PriceTableSchema
{
    public const string Text = """
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "title": "Prices of models",
          "type": "object",
          "required": ["version", "currency", "prices"],
          "additionalProperties": false,
          "properties": {
            "$schema": { "type": "string" },
            "version": { "const": 1 },
            "source": { "type": "string", "description": "Where the prices were read." },
            "date": { "type": "string", "format": "date", "description": "When they were read there." },
            "currency": { "type": "string", "pattern": "^[A-Za-z]{3}$" },
            "prices": { "type": "array", "items": { "$ref": "#/$defs/price" } },
            "ceiling": { "$ref": "#/$defs/rates" }
          },
          "$defs": {
            "amount": {
              "description": "Units of the currency, at most six decimals: a million tokens, an image or a request.",
              "anyOf": [
                { "type": "number", "minimum": 0, "maximum": 1000000 },
                { "type": "string", "pattern": "^[0-9]+([.][0-9]{1,6})?$" }
              ]
            },
            "rates": {
              "type": "object",
              "properties": {
                "input": { "$ref": "#/$defs/amount" },
                "cachedInput": { "$ref": "#/$defs/amount" },
                "cacheWrite": { "$ref": "#/$defs/amount" },
                "output": { "$ref": "#/$defs/amount" },
                "reasoning": { "$ref": "#/$defs/amount" },
                "audioInput": { "$ref": "#/$defs/amount" },
                "audioOutput": { "$ref": "#/$defs/amount" },
                "embedding": { "$ref": "#/$defs/amount" },
                "image": { "$ref": "#/$defs/amount" },
                "request": { "$ref": "#/$defs/amount" }
              }
            },
            "price": {
              "allOf": [{ "$ref": "#/$defs/rates" }],
              "required": ["provider", "model"],
              "properties": {
                "provider": { "type": "string", "minLength": 1 },
                "model": { "type": "string", "minLength": 1, "description": "An asterisk at the end stands for any rest." },
                "from": { "type": "string", "format": "date", "description": "The first day it holds, UTC." },
                "overInputTokens": { "type": "integer", "minimum": 0 },
                "note": { "type": "string" }
              }
            }
          }
        }
        """;
}
