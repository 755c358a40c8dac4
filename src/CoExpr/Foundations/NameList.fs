namespace CoExpr

open System.Text.RegularExpressions

/// Names in one word of the command line, with commas between them.
[<RequireQualifiedAccess>]
module internal NameList =

    /// A name in double quotes, with blanks around them or none; or one that does not begin with a quote. Then a comma or the
    /// end.
    let private item =
        Regex """\G(?:\s*"(?<quoted>(?:[^"]|"")*)"\s*|(?<plain>(?!\s*")[^,]*))(?<comma>,|\z)"""

    let private nameOf (found: Match) =
        let quoted = found.Groups["quoted"]

        if quoted.Success then
            quoted.Value.Replace("\"\"", "\"")
        else
            found.Groups["plain"].Value

    /// The names, as fields of a line of CSV (RFC 4180): one in double quotes may have commas, and two quotes within it are one.
    /// Blanks stay, but for those around quotes. None where a quote is not closed, or something else follows it.
    let tryParse (words: string) : string list option =
        let rec namesFrom at before =
            match item.Match(words, at) with
            | found when not found.Success -> None
            | found when found.Groups["comma"].Length = 0 -> Some(List.rev (nameOf found :: before))
            | found -> namesFrom (at + found.Length) (nameOf found :: before)

        namesFrom 0 []
