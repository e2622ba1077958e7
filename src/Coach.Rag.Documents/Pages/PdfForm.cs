using UglyToad.PdfPig;
using UglyToad.PdfPig.AcroForms;
using UglyToad.PdfPig.AcroForms.Fields;
using UglyToad.PdfPig.Annotations;
using UglyToad.PdfPig.Content;

namespace Coach.Rag.Documents.Pages;

/// <summary>What people filled in and noted: the fields of a form with their values, and annotations.</summary>
internal static class PdfForm
{
    private const int MaxFields = 10_000;

    /// <summary>"Name: value" of each field of a page that has one.</summary>
    public static IReadOnlyList<string> FieldsOf(PdfDocument pdf, int page) =>
        pdf.TryGetForm(out AcroForm form)
            ? [.. Leaves(form.Fields).Take(MaxFields).Where(field => (field.PageNumber ?? 1) == page)
                .Select(LineOf).OfType<string>()]
            : [];

    /// <summary>What the annotations of a page say in words.</summary>
    public static IReadOnlyList<string> NotesOf(Page page) =>
        [.. page.GetAnnotations()
            .Where(note => note.Type is not (AnnotationType.Widget or AnnotationType.Link or AnnotationType.Popup))
            .Select(note => note.Content?.Trim() ?? "").Where(words => words.Length > 0).Distinct().Take(MaxFields)];

    private static IEnumerable<AcroFieldBase> Leaves(IEnumerable<AcroFieldBase> fields)
    {
        var pending = new Stack<AcroFieldBase>(fields.Reverse());
        while (pending.TryPop(out AcroFieldBase? field))
        {
            IEnumerable<AcroFieldBase> children = field is AcroNonTerminalField group ? group.Children : [];
            foreach (AcroFieldBase child in children.Reverse())
            {
                pending.Push(child);
            }

            yield return field;
        }
    }

    private static string? LineOf(AcroFieldBase field)
    {
        string? value = field switch
        {
            AcroTextField text => text.Value,
            AcroComboBoxField box => string.Join(", ", box.SelectedOptions),
            AcroListBoxField list => string.Join(", ", list.SelectedOptions),
            AcroCheckboxField { IsChecked: true } => "yes",
            AcroRadioButtonField { IsSelected: true } button => button.CurrentValue.Data,
            _ => null,
        };
        string name = field.Information.AlternateName ?? field.Information.PartialName ?? "";
        return string.IsNullOrWhiteSpace(value) ? null : $"{name.Trim()}: {value.Trim()}".TrimStart(':', ' ');
    }
}
