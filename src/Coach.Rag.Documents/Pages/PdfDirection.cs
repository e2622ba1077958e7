using UglyToad.PdfPig.Content;
using UglyToad.PdfPig.Core;

namespace Coach.Rag.Documents.Pages;

/// <summary>Letters of a page that run in one direction, turned so that they run from left to right.</summary>
/// <param name="Letters">The letters.</param>
/// <param name="Width">The page's width, as they see it.</param>
/// <param name="Height">Its height.</param>
internal sealed record PdfDirection(IReadOnlyList<Letter> Letters, double Width, double Height)
{
    private enum Turn
    {
        None,
        Up,
        Down,
        Over,
    }

    /// <summary>The directions of a page, the one of most letters first.</summary>
    public static IEnumerable<PdfDirection> Of(Page page) => page.Letters.GroupBy(TurnOf)
        .OrderByDescending(group => group.Count())
        .Select(group => group.Key switch
        {
            Turn.None => new PdfDirection([.. group], page.Width, page.Height),
            Turn.Over => new PdfDirection(
                [.. group.Select(letter => Turned(letter, p => new PdfPoint(page.Width - p.X, page.Height - p.Y)))],
                page.Width, page.Height),
            Turn.Up => new PdfDirection(
                [.. group.Select(letter => Turned(letter, p => new PdfPoint(p.Y, page.Width - p.X)))],
                page.Height, page.Width),
            _ => new PdfDirection(
                [.. group.Select(letter => Turned(letter, p => new PdfPoint(page.Height - p.Y, p.X)))],
                page.Height, page.Width),
        });

    private static Turn TurnOf(Letter letter)
    {
        double x = letter.EndBaseLine.X - letter.StartBaseLine.X;
        double y = letter.EndBaseLine.Y - letter.StartBaseLine.Y;
        if (Math.Abs(y) <= Math.Abs(x) * 2)
        {
            return x < 0 && Math.Abs(y) < -x / 2 ? Turn.Over : Turn.None;
        }

        return y > 0 ? Turn.Up : Turn.Down;
    }

    private static Letter Turned(Letter letter, Func<PdfPoint, PdfPoint> turn) => new(
        letter.Value, Turned(letter.BoundingBox, turn), Turned(letter.GlyphRectangleLoose, turn),
        turn(letter.StartBaseLine), turn(letter.EndBaseLine), letter.Width, letter.FontSize, letter.FontDetails,
        letter.RenderingMode, letter.StrokeColor, letter.FillColor, letter.PointSize, letter.TextSequence);

    private static PdfRectangle Turned(PdfRectangle box, Func<PdfPoint, PdfPoint> turn) =>
        new(turn(box.TopLeft), turn(box.TopRight), turn(box.BottomLeft), turn(box.BottomRight));
}
