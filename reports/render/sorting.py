"""The page's only script: a click on a heading sorts its table. Without it every table stands as written."""

from __future__ import annotations

__all__ = ["SORT"]

_SCRIPT = """
(function(){
function value(row,at){
var text=row.cells[at].textContent.trim(),number=text.replace(/,/g,"").match(/^-?[0-9.]+/);
return number?parseFloat(number[0]):text.toLowerCase();}
function compare(a,b){
if(typeof a===typeof b)return a<b?-1:a>b?1:0;
return typeof a==="number"?-1:1;}
document.querySelectorAll("table").forEach(function(table){
if(!table.tHead)return;
var heads=table.tHead.rows[0].cells;
Array.prototype.forEach.call(heads,function(head,at){
head.tabIndex=0;head.classList.add("sortable");
function sort(){
var down=head.getAttribute("aria-sort")==="ascending",body=table.tBodies[0];
Array.prototype.forEach.call(heads,function(other){other.removeAttribute("aria-sort");});
head.setAttribute("aria-sort",down?"descending":"ascending");
var rows=Array.prototype.filter.call(body.rows,function(row){return row.className!=="sum";});
var first=body.querySelector("tr.sum");
rows.sort(function(a,b){var order=compare(value(a,at),value(b,at));return down?-order:order;});
rows.forEach(function(row){body.insertBefore(row,first);});}
head.addEventListener("click",sort);
head.addEventListener("keydown",function(event){if(event.key==="Enter")sort();});
});});})();
"""

SORT = _SCRIPT.replace("\n", "")
"""Sums stay at the foot; numbers come before words; the second click turns the order round."""
