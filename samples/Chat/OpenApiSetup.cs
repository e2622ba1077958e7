using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Chat;

/// <summary>The document at <c>/openapi/v1.json</c>, so that generated clients understand it.</summary>
internal static class OpenApiSetup
{
    /// <summary>
    /// Adds the document. The framework lists the words of an enumeration and leaves out that they are texts, which
    /// generators take for numbers.
    /// </summary>
    public static IServiceCollection AddOpenApiDocument(this IServiceCollection services) =>
        services.AddOpenApi(document => document.AddSchemaTransformer(SayThatWordsAreTexts));

    private static Task SayThatWordsAreTexts(
        OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        if (schema is { Type: null, Enum.Count: > 0 })
        {
            schema.Type = JsonSchemaType.String;
        }

        return Task.CompletedTask;
    }
}
