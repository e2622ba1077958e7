using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;

namespace Coach.AspNetCore.Health;

/// <summary>
/// The report as a page for people: no script, no style, so that the strictest content policy shows it.
/// </summary>
internal static class HealthPage
{
    public static string Of(HealthResponse report)
    {
        HtmlEncoder encoder = HtmlEncoder.Default;
        var rows = new StringBuilder();
        foreach ((string name, HealthCheckResponse check) in report.Checks!)
        {
            rows.Append(CultureInfo.InvariantCulture, $"<tr><th scope=\"row\">{encoder.Encode(name)}</th>");
            rows.Append(CultureInfo.InvariantCulture, $"<td>{check.Status}</td>");
            rows.Append(CultureInfo.InvariantCulture, $"<td>{encoder.Encode(check.Description)}</td>");
            rows.Append(CultureInfo.InvariantCulture, $"<td>{check.DurationMs}</td></tr>\n");
        }

        return string.Create(CultureInfo.InvariantCulture, $"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>{report.Status}</title>
            </head>
            <body>
            <main>
            <h1>{report.Status}</h1>
            <table>
            <thead>
            <tr><th scope="col">Part</th><th scope="col">State</th><th scope="col">Says</th><th scope="col">ms</th></tr>
            </thead>
            <tbody>
            {rows}</tbody>
            </table>
            <p>{report.AgeSeconds} s old. For programs: Accept: application/json.</p>
            </main>
            </body>
            </html>
            """);
    }
}
