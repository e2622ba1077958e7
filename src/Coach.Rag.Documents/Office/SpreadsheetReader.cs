using System.Globalization;
using DocumentFormat.OpenXml;
using DocumentFormat.OpenXml.Packaging;
using DocumentFormat.OpenXml.Spreadsheet;

namespace Coach.Rag.Documents.Office;

/// <summary>Reads Excel workbooks: each sheet is a table under its name, cells in their columns, dates as
/// dates.</summary>
internal sealed class SpreadsheetReader : IDocumentReader
{
    private const int MaxColumns = 1_000;

    public string Name => "spreadsheet/2";

    public DocumentMatch Match(DocumentFile file) =>
        OfficeFile.Match(file, "xl/", [".xlsx", ".xlsm", ".xltx", ".xltm"], [".xls", ".xlt"]);

    public ValueTask<StructuredText> ReadAsync(DocumentFile file, CancellationToken cancellationToken = default)
    {
        StructuredText text = OfficeFile.Read(file, ".xlsx", "Excel", Open, cancellationToken);
        return ValueTask.FromResult(text);

        StructuredText Open(Stream package, OpenSettings settings)
        {
            using var document = SpreadsheetDocument.Open(package, isEditable: false, settings);
            return Read(document, file.Limits, cancellationToken);
        }
    }

    private static StructuredText Read(SpreadsheetDocument document, DocumentLimits limits,
        CancellationToken cancellationToken)
    {
        var builder = new StructuredTextBuilder(limits.MaxCharacters);
        OfficeFile.AddProperties(document, builder);
        WorkbookPart? workbook = document.WorkbookPart;
        string[] shared =
            [.. workbook?.SharedStringTablePart?.SharedStringTable?.Elements<SharedStringItem>()
            .Select(Words) ?? []];
        bool[] dates = DateFormats(workbook?.WorkbookStylesPart?.Stylesheet);
        foreach (Sheet sheet in workbook?.Workbook?.Sheets?.Elements<Sheet>() ?? [])
        {
            builder.Page++;
            if (sheet.State?.Value is { } state && state != SheetStateValues.Visible)
            {
                continue;
            }

            builder.ClearHeadings();
            builder.AddHeading(1, sheet.Name?.Value ?? $"Sheet {builder.Page}");
            if (sheet.Id?.Value is { } id && workbook!.TryGetPartById(id, out OpenXmlPart? part) && part
                is WorksheetPart found)
            {
                builder.AddTable(Rows(found, shared, dates, cancellationToken));
            }
        }

        return builder.Build();
    }

    private static IEnumerable<IReadOnlyList<string>> Rows(
        WorksheetPart part, string[] shared, bool[] dates, CancellationToken cancellationToken)
    {
        using OpenXmlReader reader = OpenXmlReader.Create(part);
        while (reader.Read())
        {
            if (reader.ElementType == typeof(Row) && reader.IsStartElement && reader.LoadCurrentElement() is Row row)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var cells = new List<string>();
                foreach (Cell cell in row.Elements<Cell>())
                {
                    int column = ColumnOf(cell.CellReference?.Value) ?? cells.Count;
                    while (cells.Count < Math.Min(column, MaxColumns))
                    {
                        cells.Add("");
                    }

                    if (cells.Count < MaxColumns)
                    {
                        cells.Add(TextOf(cell, shared, dates));
                    }
                }

                yield return cells;
            }
        }
    }

    private static int? ColumnOf(string? reference)
    {
        int column = 0;
        foreach (char c in reference ?? "")
        {
            if (!char.IsAsciiLetterUpper(c) || column > 20_000)
            {
                break;
            }

            column = (column * 26) + (c - 'A' + 1);
        }

        return column == 0 ? null : column - 1;
    }

    private static string TextOf(Cell cell, string[] shared, bool[] dates)
    {
        string value = cell.CellValue?.Text ?? "";
        CellValues? type = cell.DataType?.Value;
        if (type == CellValues.SharedString)
        {
            return int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int index)
                && index < shared.Length ? shared[index] : "";
        }

        if (type == CellValues.InlineString)
        {
            return cell.InlineString is { } own ? Words(own) : "";
        }

        if (type == CellValues.Boolean)
        {
            return value == "1" ? "TRUE" : "FALSE";
        }

        bool isDate = cell.StyleIndex?.Value is { } style && style < dates.Length && dates[style];
        return isDate && double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            && number is > 0 and < 2_958_466
            ? DateOf(number)
            : Shown(value, type);
    }

    // A number has the fifteen digits that Excel shows, not the seventeen that it is stored with.
    private static string Shown(string value, CellValues? type)
    {
        bool isLong = value.Length > 15 && (type is null || type == CellValues.Number);
        return isLong && double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            ? number.ToString("G15", CultureInfo.InvariantCulture)
            : value;
    }

    // How ideographs are read stands beside them and would be read twice.
    private static string Words(OpenXmlElement item) => string.Concat(item.Descendants<Text>()
        .Where(text => text.Parent is not PhoneticRun).Select(text => text.Text));

    private static string DateOf(double number)
    {
        DateTime date = DateTime.FromOADate(number);
        string format = date.TimeOfDay == TimeSpan.Zero ? "yyyy-MM-dd" : "yyyy-MM-dd HH:mm";
        return date.ToString(number < 1 ? "HH:mm" : format, CultureInfo.InvariantCulture);
    }

    // Built-in formats of dates and times (ECMA-376, 18.8.30), and own ones that write a day, a year or an hour.
    private static bool[] DateFormats(Stylesheet? styles)
    {
        Dictionary<uint, string> own = [];
        foreach (NumberingFormat format in styles?.NumberingFormats?.Elements<NumberingFormat>() ?? [])
        {
            own[format.NumberFormatId?.Value ?? 0] = format.FormatCode?.Value ?? "";
        }

        return [.. styles?.CellFormats?.Elements<CellFormat>().Select(format => format.NumberFormatId?.Value ?? 0)
            .Select(id =>
            id is (>= 14 and <= 22) or (>= 45 and <= 47)
                || (own.TryGetValue(id, out string? code) && IsDate(code))) ?? []];
    }

    private static bool IsDate(string code)
    {
        bool isQuoted = false;
        foreach (char c in code)
        {
            isQuoted ^= c is '"' or '[' or ']';
            if (!isQuoted && c is 'd' or 'y' or 'h' or 'D' or 'Y' or 'H')
            {
                return true;
            }
        }

        return false;
    }
}
