namespace CoExpr.IO

open System.Collections.Generic
open System.Text
open CoExpr

/// Names of genes, one a line.
[<RequireQualifiedAccess>]
module GeneList =

    /// The names in a text file, one a line, .gz unpacked; blanks around a name, empty lines and repeated names are left
    /// out. Errors: no such file, a file that is no text, no name in it.
    let read progress path : Result<string[], CoExprError> =
        InputFile.reading path (fun () ->
            use lines = new TextLines(path, progress)
            let names = List<string>()

            while lines.Next() do
                let name = (Encoding.UTF8.GetString lines.Line).Trim()

                if name <> "" && not (names.Contains name) then
                    names.Add name

            if names.Count = 0 then
                raise (
                    CoExprFailure(CoExprError.UnknownFormat(path, "no name of a gene is in it; one a line is needed."))
                )

            names.ToArray())
